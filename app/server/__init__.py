"""Before any page: who may reach this server and under which names, its owner, its window."""
