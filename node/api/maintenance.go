package api

import (
	"context"
	"io"
	"log/slog"

	"github.com/recto-edge/recto/node/auth"
)

// Maintenance is the way to copies of everything the node keeps.
type Maintenance interface {
	// Backup writes a backup to w.
	Backup(ctx context.Context, w io.Writer) error
	// Restore brings a backup into the running node. A backup that was cut, or is
	// none, is Invalid.
	Restore(ctx context.Context, r io.Reader) (Restored, error)
}

// Restored says what a restore brought back.
type Restored struct {
	Objects   int `json:"objects"`   // in the backup
	Documents int `json:"documents"` // in the blob store now
	Returned  int `json:"returned"`  // documents the log did not know
}

const tarMedia = "application/x-tar"

func (s *Server) maintenanceRoutes() []route {
	return []route{
		{
			method: "POST", path: prefix + "/backup", perm: auth.Maintain, handler: s.backup, long: true, action: "backup",
			summary: "everything the node keeps, as a tar stream", media: tarMedia,
		},
		{
			method: "POST", path: prefix + "/restore", perm: auth.Maintain, handler: s.restore, long: true, action: "restore",
			summary: "bring a backup into the running node", upload: tarMedia, answer: Restored{},
		},
	}
}

// backup streams. One that fails half way breaks the connection, so that it is
// never taken for a whole one.
func (s *Server) backup(c *call) error {
	c.Set("Content-Type", tarMedia)
	c.Set("Content-Disposition", attachment("recto-backup.tar"))
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(s.open)
	id, log := c.id, s.log
	s.streams.Add(1)
	go func() { // ends when the backup is written or the reader is closed by fasthttp
		defer s.streams.Done()
		defer cancel()
		defer func() {
			if p := recover(); p != nil { // nothing else would keep it from ending the process
				log.Error("backup panicked", slog.String("request_id", id), slog.Any("panic", p))
				_ = w.CloseWithError(io.ErrUnexpectedEOF)
			}
		}()
		err := s.ports.Maintenance.Backup(ctx, w)
		if err != nil {
			log.Error("backup failed", slog.String("request_id", id), slog.Any("error", err))
		}
		_ = w.CloseWithError(err) // nil: the end of the stream
	}()
	c.Context().SetBodyStream(r, -1)
	return nil
}

func (s *Server) restore(c *call) error {
	out, err := s.ports.Maintenance.Restore(c.ctx, c.in)
	if err != nil {
		return err
	}
	return c.JSON(out)
}
