package history

// forms holds the elements of lists while they are read. The lists it returns are valid until forget: what a history
// keeps of them is copied.
type forms struct {
	stack []any // of the lists that have not ended
	room  []any // for those that have
}

func (f *forms) depth() int { return len(f.stack) }

func (f *forms) push(v any) { f.stack = append(f.stack, v) }

// pop returns what was pushed since the stack was so deep.
func (f *forms) pop(from int) []any {
	list := f.stack[from:]
	if len(list) > cap(f.room)-len(f.room) {
		f.room = make([]any, 0, max(2*len(list), 64)) // the lists in the room before stay where they are
	}
	start := len(f.room)
	f.room = append(f.room, list...)
	clear(list)
	f.stack = f.stack[:from]
	return f.room[start:len(f.room):len(f.room)]
}

// forget makes room for the lists of the next operation.
func (f *forms) forget() { f.room = f.room[:0] }
