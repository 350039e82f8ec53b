//! CMAF: bytes in, boxes, chunks and durations out. Knows nothing of ours.
