"""The gate without a gate: recordings, labelled segments, the demo's clip, benchmarks."""
