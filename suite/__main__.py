"""``python -m suite``."""

import gc
import sys

if __name__ == "__main__":  # a process that this one starts imports this module, and needs no command line
    from suite.cli import main

    status = main()
    gc.freeze()  # what is left goes with the process: to look through all of PyTorch first takes 0.3 s
    sys.exit(status)
