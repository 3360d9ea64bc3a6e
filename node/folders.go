package node

import "context"

func (n *Node) startFolders(context.Context) error { return nil }
