//! The core: files as they grow and their followers. No disk, HTTP, task or clock.
