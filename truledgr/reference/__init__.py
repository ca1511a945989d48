"""The pages of docs/reference/, made from the code: one module a page.

``pages.PAGES`` names them; ``manage.py generate_reference`` writes them.
"""
