//! Whether a type fits where another is wanted, and what open types come to stand for on the way.

use crate::types::Type;

/// What open types stand for. A trial that fails leaves no trace.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    bound: Vec<Option<Type>>,
    /// What was bound before each change of the trial that runs.
    changes: Vec<(usize, Option<Type>)>,
}

impl Bindings {
    /// An open type that nothing is known of.
    pub(crate) fn open(&mut self) -> Type {
        self.bound.push(None);
        Type::Var(self.bound.len() - 1)
    }

    fn find(&self, of: &Type) -> Option<&Type> {
        match of {
            Type::Var(number) => self.bound[*number].as_ref(),
            _ => None,
        }
    }

    fn bind(&mut self, var: &Type, to: Type) {
        if let Type::Var(number) = var {
            let before = self.bound[*number].replace(to);
            self.changes.push((*number, before));
        }
    }

    fn attempt(&mut self, trial: impl FnOnce(&mut Self) -> bool) -> bool {
        self.changes.clear();
        let fits = trial(self);
        if !fits {
            while let Some((number, before)) = self.changes.pop() {
                self.bound[number] = before;
            }
        }
        fits
    }

    /// Whether one type fits where another is wanted.
    pub(crate) fn assignable(&mut self, wanted: &Type, found: &Type) -> bool {
        self.attempt(|this| this.fits(wanted, found))
    }

    /// Whether types fit one by one.
    pub(crate) fn assignable_all(&mut self, wanted: &[Type], found: &[Type]) -> bool {
        self.attempt(|this| {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(one, other)| this.fits(one, other))
        })
    }

    fn fits(&mut self, one: &Type, other: &Type) -> bool {
        if matches!(other, Type::Var(_)) {
            let (valid, known) = self.stands_for(one, other);
            if valid || known {
                return valid;
            }
        }
        if matches!(one, Type::Var(_)) {
            return self.stands_for(other, one).0;
        }
        if one.is_dyn_or_error() || other.is_dyn_or_error() {
            return true;
        }
        if *one == Type::Null {
            return *other == Type::Null || nullable(other);
        }
        if *other == Type::Null {
            return nullable(one);
        }
        match (one, other) {
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(_), Type::List(_)) | (Type::Map(_), Type::Map(_)) => self.parts_fit(one, other),
            (Type::Opaque(name, _), Type::Opaque(same, _)) if name == same => self.parts_fit(one, other),
            (Type::Opaque(..), Type::Opaque(..)) => false,
            _ => one == other,
        }
    }

    fn parts_fit(&mut self, one: &Type, other: &Type) -> bool {
        let (ours, theirs) = (one.parameters(), other.parameters());
        ours.len() == theirs.len() && ours.into_iter().zip(theirs).all(|(one, other)| self.fits(one, other))
    }

    /// Whether an open type may stand for a type, and whether it already stood for one.
    fn stands_for(&mut self, of: &Type, open: &Type) -> (bool, bool) {
        if of == open {
            return (true, true);
        }
        if let Some(known) = self.find(open).cloned() {
            if *of == known {
                return (true, true);
            }
            if !self.fits(of, &known) {
                return (false, true);
            }
            let general = if less_specific(of, &known) { of.clone() } else { known };
            if self.absent(open, &general) {
                self.bind(open, general);
            }
            return (true, true);
        }
        let absent = self.absent(open, of);
        if absent {
            self.bind(open, of.clone());
        }
        (absent, false)
    }

    /// Whether an open type does not occur within another type.
    fn absent(&self, open: &Type, within: &Type) -> bool {
        if open == within {
            return false;
        }
        match within {
            Type::Var(_) => self.find(within).is_none_or(|one| self.absent(open, one)),
            other => other.parameters().into_iter().all(|one| self.absent(open, one)),
        }
    }

    /// How many parts a type has with what open types stand for; above a limit they are not counted further.
    pub(crate) fn weight(&self, of: &Type, limit: usize) -> usize {
        let mut next = vec![of];
        let mut count = 0;
        while let Some(of) = next.pop() {
            count += 1;
            if count > limit {
                break;
            }
            next.extend(of.parameters());
            next.extend(self.find(of));
        }
        count
    }

    /// The type with what open types stand for; if told so, those that stand for nothing become dynamic.
    pub(crate) fn resolve(&self, of: &Type, close: bool) -> Type {
        match of {
            Type::Var(_) => match self.find(of) {
                Some(known) => self.resolve(known, close),
                None if close => Type::Dyn,
                None => of.clone(),
            },
            other => other.with(|one| self.resolve(one, close)),
        }
    }
}

/// The more general one of two types that fit each other.
pub(crate) fn general(one: &Type, other: &Type) -> Type {
    if less_specific(one, other) {
        one.clone()
    } else {
        other.clone()
    }
}

fn less_specific(one: &Type, other: &Type) -> bool {
    if one.is_dyn() || matches!(one, Type::Var(_)) {
        return true;
    }
    if other.is_dyn() || matches!(other, Type::Var(_)) {
        return false;
    }
    match (one, other) {
        (Type::Type(_), Type::Type(_)) => true,
        (Type::List(_), Type::List(_)) | (Type::Map(_), Type::Map(_)) | (Type::Opaque(..), Type::Opaque(..)) => {
            let (ours, theirs) = (one.parameters(), other.parameters());
            one.base() == other.base()
                && ours.len() == theirs.len()
                && ours
                    .into_iter()
                    .zip(theirs)
                    .all(|(one, other)| less_specific(one, other))
        }
        _ => one == other,
    }
}

fn nullable(of: &Type) -> bool {
    matches!(
        of,
        Type::Opaque(..) | Type::Struct(_) | Type::Any | Type::Duration | Type::Timestamp
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::read;

    #[test]
    fn an_open_type_becomes_the_more_general_of_what_it_meets() {
        let mut bindings = Bindings::default();
        let open = bindings.open();
        assert!(bindings.assignable(&open, &Type::Int));
        assert_eq!(bindings.resolve(&open, false), Type::Int);
        assert!(!bindings.assignable(&open, &Type::String));
        assert!(bindings.assignable(&Type::Dyn, &open));
        assert_eq!(bindings.resolve(&open, false), Type::Dyn);
    }

    #[test]
    fn a_trial_that_fails_leaves_no_trace() {
        let mut bindings = Bindings::default();
        let open = bindings.open();
        assert!(!bindings.assignable_all(&[open.clone(), Type::Int], &[Type::Bool, Type::String]));
        assert_eq!(bindings.resolve(&open, true), Type::Dyn);
        assert_eq!(bindings.resolve(&open, false), open);
    }

    #[test]
    fn null_fits_objects_and_times_but_no_numbers() {
        let mut bindings = Bindings::default();
        for (one, fits) in [
            ("kubernetes.URL", true),
            ("duration", true),
            ("dyn", true),
            ("int", false),
            ("list(int)", false),
        ] {
            assert_eq!(bindings.assignable(&read(one), &Type::Null), fits, "{one}");
            assert_eq!(bindings.assignable(&Type::Null, &read(one)), fits, "{one}");
        }
    }

    #[test]
    fn no_type_is_made_of_itself() {
        let mut bindings = Bindings::default();
        let open = bindings.open();
        assert!(!bindings.assignable(&open, &Type::list(open.clone())));
    }
}
