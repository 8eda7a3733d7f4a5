"""Embedded Redis servers and a believable, faulty workload for several applications."""
