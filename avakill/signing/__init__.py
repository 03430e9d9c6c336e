"""Signed policies: who approved a text, and what is used when nobody did. See docs/signing.md."""
