//! All objects that are selected away.

use apiserver_api::status::{Reason, Status};
use apiserver_storage::list::Page;
use apiserver_storage::select::Select;
use futures_util::future::join_all;

use super::Machine;
use super::delete::Deletion;
use crate::catalog::Resource;
use crate::options::{DeleteOptions, ListOptions};
use crate::request::Call;

/// How many are listed at once where the client does not limit it.
const PAGE: i64 = 500;

impl Machine {
    /// Deletes what a list finds, and gives what it found.
    ///
    /// # Errors
    /// What the list or the first deletion that failed says.
    pub(crate) async fn delete_collection(
        &self,
        call: &Call,
        resource: &Resource,
        select: &Select,
        options: &DeleteOptions,
        list: &ListOptions,
    ) -> Result<Page, Status> {
        let mut list = list.clone();
        let is_limited = list.limit > 0;
        if !is_limited {
            list.limit = PAGE;
        }
        let mut first: Option<Page> = None;
        loop {
            let page = self.list(resource, select.clone(), &list).await?;
            for some in page.objects.chunks(self.collection_workers.max(1)) {
                let deleted = some.iter().cloned().map(|object| async move {
                    let deletion = Deletion {
                        call,
                        resource,
                        namespace: &object.index.namespace,
                        name: &object.index.name,
                        options,
                        admission: true,
                    };
                    self.delete(&deletion).await
                });
                // All that were begun come to their end, whatever becomes of the first.
                for outcome in join_all(deleted).await {
                    match outcome {
                        Err(status) if status.reason != Reason::NotFound => return Err(status),
                        Ok(_) | Err(_) => {}
                    }
                }
            }
            if is_limited {
                return Ok(page);
            }
            let next = page.next.as_ref().map(apiserver_storage::token::Token::encode);
            match &mut first {
                None => first = Some(page),
                Some(first) => first.objects.extend(page.objects),
            }
            let Some(next) = next else { break };
            list.resume = next;
            list.resource_version.clear();
        }
        let mut all = first.unwrap_or_else(|| unreachable!("the first page is kept"));
        all.next = None;
        all.remaining = None;
        Ok(all)
    }
}
