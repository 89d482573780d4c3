//! A list into whose middle items come fast: it is kept in pieces, since a patch may have ten thousand operations, and a list
//! half a million items, all of which would be moved each time.

/// A piece has twice as many items at most.
const PIECE: usize = 512;

/// A list.
#[derive(Clone, Debug)]
pub(super) struct Items<T> {
    /// None is empty.
    pieces: Vec<Vec<T>>,
    length: usize,
}

impl<T> Items<T> {
    /// How many items.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// The item with this index, to change.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let (piece, at) = self.place(at);
        self.pieces.get_mut(piece)?.get_mut(at)
    }

    /// Puts an item there; those behind it move on. Behind the end there is only one place.
    pub(super) fn insert(&mut self, at: usize, item: T) {
        let (mut piece, mut at) = self.place(at);
        if at == 0 && piece > 0 {
            // As well at the end of the piece before.
            piece -= 1;
            at = self.pieces[piece].len();
        }
        self.length += 1;
        let Some(items) = self.pieces.get_mut(piece) else {
            self.pieces.push(vec![item]);
            return;
        };
        items.insert(at, item);
        if items.len() > 2 * PIECE {
            let rest = items.split_off(PIECE);
            self.pieces.insert(piece + 1, rest);
        }
    }

    /// Takes the item with this index away, which there is.
    pub(super) fn remove(&mut self, at: usize) -> T {
        let (piece, at) = self.place(at);
        let item = self.pieces[piece].remove(at);
        if self.pieces[piece].is_empty() {
            self.pieces.remove(piece);
        }
        self.length -= 1;
        item
    }

    /// The items in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    /// The items in order, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pieces.iter_mut().flatten()
    }

    /// The piece in which an index is, and where there.
    fn place(&self, mut at: usize) -> (usize, usize) {
        for (piece, items) in self.pieces.iter().enumerate() {
            if at < items.len() {
                return (piece, at);
            }
            at -= items.len();
        }
        (self.pieces.len(), at)
    }
}

impl<T> IntoIterator for Items<T> {
    type Item = T;
    type IntoIter = std::iter::Flatten<std::vec::IntoIter<Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.pieces.into_iter().flatten()
    }
}

impl<T> FromIterator<T> for Items<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut items = items.into_iter();
        let mut list = Self {
            pieces: Vec::new(),
            length: 0,
        };
        loop {
            let piece: Vec<T> = items.by_ref().take(PIECE).collect();
            if piece.is_empty() {
                return list;
            }
            list.length += piece.len();
            list.pieces.push(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Items, PIECE};

    #[test]
    fn a_list_in_pieces_is_a_list() {
        let (mut list, mut plain): (Items<usize>, Vec<usize>) = (Items::from_iter([]), Vec::new());
        for at in 0..5 * PIECE {
            let place = at * 7919 % (plain.len() + 1);
            list.insert(place, at);
            plain.insert(place, at);
        }
        assert_eq!((list.len(), list.get_mut(list.len())), (plain.len(), None));
        assert!(list.iter().eq(&plain) && list.pieces.len() > 2);
        for at in 0..4 * PIECE {
            let place = at * 7919 % plain.len();
            assert_eq!(list.get_mut(place), plain.get_mut(place));
            assert_eq!(list.remove(place), plain.remove(place));
        }
        assert!(list.clone().into_iter().eq(plain.iter().copied()));
        while list.len() > 0 {
            list.remove(0);
        }
        list.insert(0, 7);
        assert_eq!(list.iter_mut().count(), 1);
        let again: Items<usize> = (0..3 * PIECE).collect();
        assert_eq!((again.pieces.len(), again.len()), (3, 3 * PIECE));
    }
}
