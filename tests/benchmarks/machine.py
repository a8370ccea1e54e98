"""A machine as records describe one, for records that nobody measured."""

MACHINE = {
    "id": "5d1c7a90",
    "cpu": "Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz",
    "cores": 2,
    "memory_gib": 7.8,
    "governor": "",
    "accelerator": "",
    "system": "Linux 6.8.0 x86_64",
    "python": "3.11.7",
    "packages": {"torch": "2.13.0", "numpy": "2.4.6", "fvcore": "0.1.5", "pillow": "12.0.0"},
    "code": "0.1.0 (0a1b2c3d4e)",
}
