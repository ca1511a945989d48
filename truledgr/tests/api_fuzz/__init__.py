"""Runs schemathesis over the whole OpenAPI document, against a server on PostgreSQL.

    python -m truledgr.tests.api_fuzz [--short] [--seed N] [--as signed-in|anonymous] [-- …]

``schemathesis.toml`` has what each check expects, ``hooks`` who asks. A world of demo data is
made in a database of its own and dropped at the end, and limits are off. The same seed and the
same code send the same requests. 1: something was found, and is printed with a curl command.
"""
