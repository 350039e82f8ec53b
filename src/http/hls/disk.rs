//! The folder as LL-HLS sees it.

use crate::{
    folder::{Answer, Folder},
    hls::{Files, Listed},
    live::{File, MediaPath},
};
use futures::{FutureExt, future::BoxFuture};
use std::{path::Path, sync::Arc};

/// What the library does not have is looked for here.
#[derive(Debug)]
pub struct Disk(pub Arc<Folder>);

impl Files for Disk {
    fn look(&self, path: MediaPath, is_held: bool) -> BoxFuture<'_, Option<Arc<File>>> {
        let look = async move {
            match self.0.look(path, is_held).await {
                Answer::Live(file) => Some(file),
                // Too large for memory: no segment of a live stream.
                Answer::Stored(_) | Answer::Folder | Answer::Absent | Answer::Denied => None,
            }
        };
        look.boxed()
    }

    fn list(&self, folder: String) -> BoxFuture<'_, Vec<Listed>> {
        let disk = self.0.clone();
        let list = move || {
            let listed = disk.list(Path::new(&folder)).into_iter();
            listed.map(|(path, modified)| Listed { path, modified }).collect()
        };
        async move { tokio::task::spawn_blocking(list).await.unwrap_or_default() }.boxed()
    }
}
