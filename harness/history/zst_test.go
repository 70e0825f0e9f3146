package history

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// compress returns text as a zstd file.
func compress(t testing.TB, text string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return z.EncodeAll([]byte(text), nil)
}

func TestCompressedFilesAreReadWhateverTheirName(t *testing.T) {
	for text, want := range map[string]string{
		lineInvoke + lineOK: FormatJSONL, ednOps("write 3", "read nil"): FormatEDN, "3 :invoke :read nil\n": FormatLog,
	} {
		plain, _ := read(t, text, ReadOptions{})
		for _, format := range []string{"", want, want + zstSuffix} {
			packed, got := read(t, string(compress(t, text)), ReadOptions{Format: format})
			if got != want {
				t.Errorf("%s, want %s", got, want)
			}
			same(t, plain.Pairs, packed.Pairs)
		}
	}
}

func TestCutCompressedFileKeepsWhatCouldBeRead(t *testing.T) {
	text := string(sampleLines(20_000, 1))
	packed := compress(t, text)
	whole, _ := read(t, string(packed), ReadOptions{})
	same(t, 0, len(whole.Notes))
	for _, cut := range []int{len(packed) - 1, len(packed) / 2} {
		h, _ := read(t, string(packed[:cut]), ReadOptions{})
		notes := strings.Join(h.Notes, "\n")
		if !strings.Contains(notes, "h: the zstd file is cut short: the ") {
			t.Errorf("cut at %d of %d: notes %q", cut, len(packed), notes)
		}
		if n := len(h.Pairs); n < len(whole.Pairs)*cut/len(packed)-5000 || n > len(whole.Pairs) {
			t.Errorf("cut at %d: %d pairs of %d", cut, len(h.Pairs), len(whole.Pairs))
		}
	}
	_, _, err := Read(bytes.NewReader(packed[:20]), "h", ReadOptions{})
	if !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "the zstd file is cut short") {
		t.Error(err)
	}
}

func TestCutOfAWrittenFileLosesOneBlock(t *testing.T) {
	h, _ := read(t, string(sampleLines(3_000, 1)), ReadOptions{})
	var packed bytes.Buffer
	if err := Write(&packed, h, FormatJSONL+zstSuffix); err != nil {
		t.Fatal(err)
	}
	const step = 1000 // less than a block
	last := h.Lines
	for cut := packed.Len() - 1; cut > 0; cut -= step {
		torn, _, err := Read(bytes.NewReader(packed.Bytes()[:cut]), "h", ReadOptions{})
		if errors.Is(err, ErrEmpty) { // the cut is in the first block
			break
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if torn.Lines > last || torn.Lines < last-blockLines {
			t.Errorf("cut at %d of %d: %d lines of %d, and %d with %d bytes more", cut, packed.Len(), torn.Lines, h.Lines, last, step)
		}
		last = torn.Lines
		if notes := strings.Join(torn.Notes, "\n"); !strings.Contains(notes, "cut short") || strings.Contains(notes, "last line") {
			t.Errorf("cut at %d: notes %q, expected whole lines", cut, notes)
		}
	}
	if last > blockLines {
		t.Errorf("nothing could be read although %d lines were left with %d bytes more", last, step)
	}
}

func TestDamagedCompressedFile(t *testing.T) {
	packed := compress(t, string(sampleLines(20_000, 1)))
	rng := rand.New(rand.NewPCG(1, 1))
	for at := len(packed) / 4; at < len(packed)-64; at += len(packed) / 4 {
		bad := bytes.Clone(packed)
		for i := range 64 {
			bad[at+i] = byte(rng.Uint32())
		}
		if _, _, err := Read(bytes.NewReader(bad), "h", ReadOptions{}); err == nil {
			t.Errorf("damage at %d was not seen", at)
		} else if text := err.Error(); !strings.Contains(text, "h:") && !strings.Contains(text, "zstd -t h") {
			t.Error(err)
		}
	}
	_, _, err := Read(strings.NewReader(zstMagic+"nonsense"), "h", ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), "read h: the zstd file is damaged behind 0 unpacked bytes (zstd -t h says more)") {
		t.Error(err)
	}
	_, _, err = Read(bytes.NewReader(compress(t, string(compress(t, lineInvoke)))), "h", ReadOptions{})
	if err == nil || err.Error() != "h:1:1: found a zstd file in a place where text is expected: unpack it first" {
		t.Error(err)
	}
}
