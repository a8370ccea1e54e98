"""BSRN, the Blueprint Separable Residual Network (arXiv 2205.05996), and its parts.

The package needs nothing but torch. Import from the modules:

- ``bsrn.convolutions``: plain, depthwise-separable and blueprint-separable 3x3 convolutions;
- ``bsrn.attention``: enhanced spatial attention (ESA), contrast-aware channel attention (CCA);
- ``bsrn.network``: the block (ESDB) and the networks BSRN and BSRN-S.
"""
