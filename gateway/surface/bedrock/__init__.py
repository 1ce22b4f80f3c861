"""Bedrock's own protocol on the way in: AWS's SDKs, told another endpoint and nothing else."""
