//! The folder as LL-HLS sees it.

use crate::{
    encoder::Demand,
    folder::{Answer, Folder},
    hls::{Files, Listed},
    live::{File, MediaPath},
};
use futures::{FutureExt, future::BoxFuture};
use std::{path::Path, sync::Arc};

/// What the library does not have is looked for here.
#[derive(Debug)]
pub struct Disk {
    /// The folder.
    pub folder: Arc<Folder>,
    /// Which of a stream's qualities stands for the one that is offered.
    pub demand: Arc<Demand>,
}

impl Files for Disk {
    fn look(&self, path: MediaPath, is_held: bool) -> BoxFuture<'_, Option<Arc<File>>> {
        let look = async move {
            match self.folder.look(path, is_held).await {
                Answer::Live(file) => Some(file),
                // Too large for memory: no segment of a live stream.
                Answer::Stored(_) | Answer::Folder | Answer::Absent | Answer::Denied => None,
            }
        };
        look.boxed()
    }

    fn stand_in(&self, path: MediaPath) -> MediaPath {
        self.demand.stand_in(&path).unwrap_or(path)
    }

    fn list(&self, folder: String) -> BoxFuture<'_, Vec<Listed>> {
        let disk = self.folder.clone();
        let list = move || {
            let listed = disk.list(Path::new(&folder)).into_iter();
            listed.map(|(path, modified)| Listed { path, modified }).collect()
        };
        async move { tokio::task::spawn_blocking(list).await.unwrap_or_default() }.boxed()
    }
}
