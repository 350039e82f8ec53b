//! Reading an MPD, and editing it in place. Knows nothing of ours.
