package node

import (
	"context"

	"github.com/recto-edge/recto/node/doc"
	"github.com/recto-edge/recto/node/intake"
)

// startFolders watches the configured folders. One that is not there (a mount
// that is late) is named by readiness and tried again; it does not end the start.
func (n *Node) startFolders(context.Context) error {
	watchers := newCrew()
	n.onStop("folders", func(context.Context) error { watchers.stop(); return nil })
	for _, f := range n.cfg.Folder {
		part := "folder " + f.Path
		n.parts.set(part, partStarting, "")
		watchers.keep(func(ctx context.Context) error {
			folder, err := intake.NewFolder(n.folderConfig(f), documents{n})
			if n.parts.check(part, err); err != nil {
				return err
			}
			folder.Run(ctx)
			return nil
		}, func(err error) {
			n.log.Warn("folder cannot be watched, tried again in a second", "folder", f.Path, "error", err)
		})
	}
	return nil
}

func (n *Node) folderConfig(f FolderConfig) intake.FolderConfig {
	c := intake.FolderConfig{
		Dir: f.Path, Type: f.Type, SubType: n.knownType, Quiet: f.Quiet, Delete: f.Delete, NoEvents: f.Polling,
		Logger: n.log.With("component", "folder"),
	}
	if f.Batch {
		c.Priority = doc.Batch
	}
	return c
}
