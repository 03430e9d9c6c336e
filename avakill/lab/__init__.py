"""The lab: claims put to real kernels. See docs/adr/0005-the-lab.md for what passes between its rooms."""
