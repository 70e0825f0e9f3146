package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/api/types/jsonstream"
)

// stall is how long the engine may say nothing while it pulls or builds. A registry that went away is noticed so.
const stall = 3 * time.Minute

var errStalled = errors.New("the engine said nothing for " + stall.String())

// read reads what the engine says while it works, to the end, and returns the error it reports. heard may be nil.
func read(ctx context.Context, stream io.ReadCloser, heard func(jsonstream.Message)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer idle.Stop()
	defer context.AfterFunc(ctx, func() { _ = stream.Close() })()
	defer func() { _ = stream.Close() }()
	for decoder := json.NewDecoder(stream); ; {
		var m jsonstream.Message
		err := decoder.Decode(&m)
		if cause := context.Cause(ctx); cause != nil && err != nil {
			return cause
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read what the engine says: %w", err)
		}
		if m.Error != nil {
			return errors.New(m.Error.Message)
		}
		idle.Reset(stall)
		if heard != nil {
			heard(m)
		}
	}
}
