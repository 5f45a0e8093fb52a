//! What passes through unharmed, and what a client gets when a server behaves badly.
