package placement

import "math/rand/v2"

// entry is a host in a picture, and a node of the tree of its kind. The tree is a treap: in order of weight, the
// greatest first, and a heap by a random number, which keeps it balanced.
type entry struct {
	Host
	class  *class
	weight float64
	number int // of the host in the picture, which decides between equal weights

	left, right *entry
	random      uint32
	most        Resources // of what is free on a host at or below this node
}

// before tells whether an entry comes before another in the order of the tree.
func (e *entry) before(o *entry) bool {
	return e.weight > o.weight || e.weight == o.weight && e.number < o.number
}

// renew computes what a node knows of those below it.
func (e *entry) renew() {
	e.most = e.Free
	if e.left != nil {
		e.most = e.most.most(e.left.most)
	}
	if e.right != nil {
		e.most = e.most.most(e.right.most)
	}
}

// insert puts e into a tree and returns its root.
func insert(root, e *entry) *entry {
	if root == nil || e.random > root.random {
		e.left, e.right = split(root, e)
		e.renew()
		return e
	}
	if e.before(root) {
		root.left = insert(root.left, e)
	} else {
		root.right = insert(root.right, e)
	}
	root.renew()
	return root
}

// split parts a tree into what comes before e and what comes after it.
func split(root, e *entry) (before, after *entry) {
	if root == nil {
		return nil, nil
	}
	if root.before(e) {
		root.right, after = split(root.right, e)
		root.renew()
		return root, after
	}
	before, root.left = split(root.left, e)
	root.renew()
	return before, root
}

// remove takes e, whose weight is still what it was, out of a tree and returns its root.
func remove(root, e *entry) *entry {
	switch {
	case root == e:
		joined := join(e.left, e.right)
		e.left, e.right = nil, nil
		return joined
	case e.before(root):
		root.left = remove(root.left, e)
	default:
		root.right = remove(root.right, e)
	}
	root.renew()
	return root
}

// join makes one tree of two, all of the first before all of the second.
func join(a, b *entry) *entry {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.random > b.random:
		a.right = join(a.right, b)
		a.renew()
		return a
	}
	b.left = join(a, b.left)
	b.renew()
	return b
}

// best finds the first entry of a tree with room for a size that is acceptable. Where no host below a node has room, it
// does not look there.
func best(root *entry, size Resources, acceptable func(*entry) bool) *entry {
	if root == nil || !size.within(root.most) {
		return nil
	}
	if e := best(root.left, size, acceptable); e != nil {
		return e
	}
	if size.within(root.Free) && acceptable(root) {
		return root
	}
	return best(root.right, size, acceptable)
}

// each calls fn for all entries of a tree in their order, until it returns false.
func each(root *entry, fn func(*entry) bool) bool {
	return root == nil || each(root.left, fn) && fn(root) && each(root.right, fn)
}

func random() uint32 { return rand.Uint32() }
