"""Signing in with other providers: allauth's flows, with every check that they leave out.

``id_tokens`` verifies what an OpenID Connect provider signs, ``adapters`` speak with a provider,
``providers`` say what is taken from its answers, ``views`` and ``urls`` are the pages between.
"""
