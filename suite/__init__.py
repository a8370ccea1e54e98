"""The measuring instrument: what the networks cost, how fast they are and how well they do.

Data flows one way, and the modules can be read in this order: ``catalog`` (cards of models and
datasets), ``weights``, ``images``, ``datasets``, ``measures``, ``backends``, ``plan`` (what to do),
``engine`` (doing it), ``records`` (what came of it), ``environment`` (where). ``cli`` ties them to the
reports.
"""

__version__ = "0.1.0"
SCHEMA = 1
"""Version of the record format. Files with a smaller number stay readable."""
