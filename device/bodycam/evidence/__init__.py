"""Sealing (writing only), lines and chains, signatures, receipts: pure, randomness is passed in."""
