package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/recto-edge/recto/node/blob"
	"github.com/recto-edge/recto/node/extract"
)

// Verdict is how a part looked to the doctor.
type Verdict string

// The verdicts.
const (
	VerdictGood Verdict = "ok"
	VerdictWarn Verdict = "warn"
	VerdictBad  Verdict = "bad"
)

// Finding is what the doctor says about one part, and what to do.
type Finding struct {
	Part    string  `json:"part"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
}

// Doctor looks at everything a node needs, whether or not one runs, and says
// what is wrong and what to do. It changes nothing but a probe object.
func Doctor(ctx context.Context, cfg Config) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var out []Finding
	say := func(part string, v Verdict, format string, args ...any) {
		out = append(out, Finding{part, v, fmt.Sprintf(format, args...)})
	}
	if err := cfg.Validate(); err != nil {
		say("config", VerdictBad, "%v", err)
		return out
	}
	say("config", VerdictGood, "data in %s, listens on %s, TLS %v", cfg.Data, cfg.Listen, cfg.TLS())
	running := doctorNode(ctx, cfg, say)
	doctorDisk(cfg, say)
	if !running {
		doctorPort(cfg, say)
	}
	doctorBlobs(ctx, cfg, running, say)
	doctorModels(ctx, cfg, say)
	for _, f := range cfg.Folder {
		if err := writable(f.Path); err != nil {
			say("folder", VerdictBad, "%s: %v: make it, and let this user write to it", f.Path, err)
			continue
		}
		say("folder", VerdictGood, "%s is watched", f.Path)
	}
	return out
}

type sayFunc func(part string, v Verdict, format string, args ...any)

// doctorNode asks a running node what it lacks, and says whether one runs.
func doctorNode(ctx context.Context, cfg Config, say sayFunc) bool {
	a, err := LocalAccess(cfg.Data)
	if err != nil {
		say("node", VerdictWarn, "none has run in %s yet", cfg.Data)
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/readyz", nil)
	if err != nil {
		say("node", VerdictBad, "%v", err)
		return false
	}
	// Only asked whether it is ready; nothing secret is sent.
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := client.Do(req)
	if err != nil {
		say("node", VerdictWarn, "none answers at %s: start it with recto up", a.URL)
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err == nil && resp.StatusCode == http.StatusOK {
		say("node", VerdictGood, "ready at %s", a.URL)
	} else {
		say("node", VerdictBad, "not ready at %s: %s", a.URL, strings.TrimSpace(string(body)))
	}
	return true
}

func doctorDisk(cfg Config, say sayFunc) {
	dir := cfg.Data
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	if err := writable(dir); err != nil {
		say("data", VerdictBad, "%s: %v: let this user write to it, or choose another folder with --data", dir, err)
		return
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		say("disk", VerdictBad, "%s: %v", dir, err)
		return
	}
	free := int64(st.Bavail) * st.Bsize
	verdict, remedy := VerdictGood, ""
	if free < 4*cfg.Limits.MinFree {
		verdict, remedy = VerdictWarn, ": make room, intake refuses documents below limits.min_free"
	}
	if free < cfg.Limits.MinFree {
		verdict = VerdictBad
	}
	say("disk", verdict, "%.1f GB free at %s%s", float64(free)/1e9, dir, remedy)
}

func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

func doctorPort(cfg Config, say sayFunc) {
	l, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		say("port", VerdictBad, "%v: another program has it; stop that, or choose another with --listen", err)
		return
	}
	if err := l.Close(); err != nil {
		say("port", VerdictWarn, "%v", err)
		return
	}
	say("port", VerdictGood, "%s is free", cfg.Listen)
}

func doctorBlobs(ctx context.Context, cfg Config, running bool, say sayFunc) {
	if cfg.Blob.Kind == "files" {
		if running {
			say("blobs", VerdictGood, "files, checked by the running node")
		}
		return
	}
	store, err := openBucket(ctx, cfg)
	if err == nil {
		err = blob.Check(ctx, store)
	}
	if err != nil {
		say("blobs", VerdictBad, "%v", err)
		return
	}
	say("blobs", VerdictGood, "bucket %s at %s can be written and read", cfg.Blob.S3.Bucket, cfg.Blob.S3.Endpoint)
}

// doctorModels reads one line of nothing, which loads the runtime library and
// the detector: what fails on a system that forbids to run anonymous files.
func doctorModels(ctx context.Context, cfg Config, say sayFunc) {
	picture := image.NewGray(image.Rect(0, 0, 320, 64))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	draw.Draw(picture, image.Rect(20, 20, 300, 44), image.Black, image.Point{}, draw.Src) // so that it is not blank
	var file bytes.Buffer
	err := png.Encode(&file, picture)
	if err == nil {
		err = readOnce(ctx, cfg, file.Bytes())
	}
	if err != nil {
		say("models", VerdictBad, "%v", err)
		return
	}
	say("models", VerdictGood, "loaded, a picture was read")
}

func readOnce(ctx context.Context, cfg Config, file []byte) error {
	types, err := typesFrom("")
	if err != nil {
		return err
	}
	r, err := openReading(engineCache(), cfg.Limits, cfg.Reading.Languages, 1, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	_, err = r.Read(ctx, extract.Input{Name: "doctor.png", R: bytes.NewReader(file), Size: int64(len(file)), Types: types})
	return errors.Join(err, r.close())
}
