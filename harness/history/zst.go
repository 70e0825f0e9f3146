package history

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
)

// zstMagic is how a zstd file begins.
const zstMagic = "\x28\xb5\x2f\xfd"

// maxZstWindow is how far back a compressed file may refer: as much as zstd --long=27 asks for.
const maxZstWindow = 128 << 20

// unpacked reads a compressed file as if it were not. A file that was cut short ends where it was cut.
type unpacked struct {
	from   *zstd.Decoder
	name   string
	packed *counted // what it is unpacked from
	size   int64    // of that; 0 where it is not known
	read   int64
	torn   bool
}

// counted counts the bytes that were read. It may be asked while it is read from.
type counted struct {
	r io.Reader
	n atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// length guesses how much text the file holds. It guesses too little at first, since the decoder reads ahead.
func (u *unpacked) length() int64 {
	return int64(float64(u.size) * float64(u.read) / float64(max(u.packed.n.Load(), 1)))
}

// unpack returns a reader of what a compressed file holds, or nil where r is not compressed.
func unpack(r *bufio.Reader, name string) (*unpacked, error) {
	if head, _ := r.Peek(len(zstMagic)); !bytes.Equal(head, []byte(zstMagic)) {
		return nil, nil // an error of the reader comes again when it is read
	}
	from, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxZstWindow))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return &unpacked{from: from, name: name}, nil
}

// Read reads unpacked text.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	u.read += int64(n)
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		u.torn = true
		return n, io.EOF
	}
	return n, fmt.Errorf("the zstd file is damaged behind %d unpacked bytes (zstd -t %s says more): %w",
		u.read, u.name, err)
}

// note says that the file was cut.
func (u *unpacked) note() string {
	return fmt.Sprintf("%s: the zstd file is cut short: the %d bytes that could be unpacked were read, what came "+
		"behind them is lost", u.name, u.read)
}
