"""The networks that BSRN is compared with, one family a file. They need torch and ``bsrn``'s parts."""
