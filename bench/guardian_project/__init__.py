"""The contestant of ``bench/access.py``: the same items, guarded by django-guardian."""
