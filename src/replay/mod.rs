//! A live segmenter imitated from a recording.
