"""Which rules may hold of a call, without asking each: tables, a trie and automata over the leaves of conditions."""
