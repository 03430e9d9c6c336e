"""The words of a policy: immutable values that the compiler makes and everything else asks. Floor 1."""
