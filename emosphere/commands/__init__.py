"""The commands of ``emosphere``: a module for each family, whose ``add`` gives the command line what it takes.

A parser with ``set_defaults(further=[])`` gets there what nobody knows, to hand it on to another programme.
"""

ALL = ("experiments", "models", "jupyter", "testing", "manifest", "cloud", "share", "board")
"""Names of the modules, in the order in which ``emosphere --help`` shows them."""
