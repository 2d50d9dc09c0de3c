"""The recorder process: agent, footage, writer and vault, and the threads that run them."""
