//! Files of keys: their modes, atomic writes, and the CA key's passphrase.
