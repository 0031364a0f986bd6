"""The programs: the only place with printing, sockets and ports."""
