//! How versions become v1: `v1beta1` writes the wish of a request and what a device has one level elsewhere.

use apiserver_api::tree::Tree;

use crate::kind::{Conversion, Version};

/// What a request for one class has, which `v1beta1` writes into the request itself.
const WISH: [&str; 7] = [
    "adminAccess",
    "allocationMode",
    "capacity",
    "count",
    "deviceClassName",
    "selectors",
    "tolerations",
];

/// A version that says the same in the same words.
pub(super) const fn same(name: &'static str, schema: &'static str) -> Version {
    converted(name, schema, Conversion::SAME)
}

/// A version that is converted.
pub(super) const fn converted(name: &'static str, schema: &'static str, conversion: Conversion) -> Version {
    Version {
        name,
        schema,
        conversion: Some(conversion),
    }
}

/// Of claims.
pub(super) const CLAIM: Conversion = Conversion {
    store: |claim| requests(claim, &["spec", "devices", "requests"], store_request),
    serve: |claim| requests(claim, &["spec", "devices", "requests"], serve_request),
};

/// Of templates of claims.
pub(super) const TEMPLATE: Conversion = Conversion {
    store: |template| requests(template, &["spec", "spec", "devices", "requests"], store_request),
    serve: |template| requests(template, &["spec", "spec", "devices", "requests"], serve_request),
};

/// Of slices.
pub(super) const SLICE: Conversion = Conversion {
    store: |slice| requests(slice, &["spec", "devices"], store_device),
    serve: |slice| requests(slice, &["spec", "devices"], serve_device),
};

fn requests(object: &mut Tree, path: &[&str], convert: fn(&mut Tree)) {
    let list = path.iter().try_fold(object, |tree, key| tree.get_mut(key));
    list.and_then(Tree::as_list_mut).into_iter().flatten().for_each(convert);
}

fn store_request(request: &mut Tree) {
    let mut wish = Tree::map();
    for field in WISH {
        if let Some(value) = request.remove(field).filter(|value| !value.is_null()) {
            wish.set(field, value);
        }
    }
    // One that has neither a wish nor alternatives counts as a wish that says nothing.
    let says = WISH.iter().any(|field| !wish.at(field).is_zero());
    if says || request.items("firstAvailable").is_empty() {
        request.set("exactly", wish);
    }
}

fn serve_request(request: &mut Tree) {
    request.set("deviceClassName", "");
    if let Some(Tree::Map(wish)) = request.remove("exactly") {
        for (field, value) in wish {
            request.set(&field, value);
        }
    }
}

fn store_device(device: &mut Tree) {
    if let Some(Tree::Map(basic)) = device.remove("basic") {
        for (field, value) in basic {
            device.set(&field, value);
        }
    }
}

fn serve_device(device: &mut Tree) {
    let mut basic = std::mem::take(device.make_map());
    let name = basic.remove("name").unwrap_or_else(|| "".into());
    device.set("name", name);
    device.set("basic", basic);
}

#[cfg(test)]
mod tests {
    use super::{CLAIM, SLICE};
    use crate::trial::tree;

    #[test]
    fn a_beta_s_request_comes_back_as_it_went() {
        let requests = r#"[{"name":"a","deviceClassName":"c","count":2},{"name":"b","deviceClassName":"","firstAvailable":[{"name":"x"}]}]"#;
        let beta = tree(&format!(r#"{{"spec":{{"devices":{{"requests":{requests}}}}}}}"#));
        let mut claim = beta.clone();
        (CLAIM.store)(&mut claim);
        let stored = claim
            .below(&["spec", "devices", "requests"])
            .as_list()
            .unwrap()
            .to_vec();
        assert_eq!(
            stored[0],
            tree(r#"{"name":"a","exactly":{"deviceClassName":"c","count":2}}"#)
        );
        assert!(!stored[1].has("exactly"));
        (CLAIM.serve)(&mut claim);
        assert_eq!(claim, beta);
    }

    #[test]
    fn a_beta_s_device_comes_back_as_it_went() {
        let beta = tree(r#"{"spec":{"devices":[{"name":"d","basic":{"allNodes":true}}]}}"#);
        let mut slice = beta.clone();
        (SLICE.store)(&mut slice);
        assert_eq!(slice, tree(r#"{"spec":{"devices":[{"name":"d","allNodes":true}]}}"#));
        (SLICE.serve)(&mut slice);
        assert_eq!(slice, beta);
    }
}
