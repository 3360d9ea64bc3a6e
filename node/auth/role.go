package auth

import (
	"slices"

	"github.com/recto-edge/recto/node/doc"
)

// Permission is something a route asks for.
type Permission string

// The permissions. The first three are not given by roles: Public is for
// everybody, Known for everybody who proved who they are, Account for every
// signed-in person about their own account.
const (
	Public  Permission = "public"
	Known   Permission = "known"
	Account Permission = "account"

	Submit     Permission = "documents.submit" // deliver documents
	Read       Permission = "documents.read"   // see documents, pages, fields, originals, events
	Retry      Permission = "documents.retry"  // have a document read again
	Review     Permission = "documents.review" // say what is right on a document
	Erase      Permission = "documents.erase"  // remove a document for good
	Learn      Permission = "models.write"     // choose models and targets
	TypesRead  Permission = "types.read"
	TypesWrite Permission = "types.write"
	StatusRead Permission = "status.read" // overview, status, metrics
	Users      Permission = "users"       // see and change users
	Keys       Permission = "keys"        // see, make and remove API keys
	Maintain   Permission = "maintain"    // copy everything the node keeps, and bring it back
	Members    Permission = "members"     // let machines into the cluster and out of it
)

// Role is a named set of permissions. The set of roles is closed.
type Role string

// The roles.
const (
	Admin    Role = "admin"    // everything
	Operator Role = "operator" // runs the node day by day: documents and types, no users and keys
	Reviewer Role = "reviewer" // works on documents, cannot change types
	Reader   Role = "reader"   // looks, changes nothing
	Station  Role = "station"  // a copier or scanner: delivers and sees nothing else
)

// Roles lists all roles, the mightiest first.
var Roles = []Role{Admin, Operator, Reviewer, Reader, Station}

// permissions is the whole table: what each role may do.
var permissions = map[Role][]Permission{
	Admin:    {Submit, Read, Retry, Review, Erase, Learn, TypesRead, TypesWrite, StatusRead, Users, Keys, Maintain, Members},
	Operator: {Submit, Read, Retry, Review, Erase, TypesRead, TypesWrite, StatusRead},
	Reviewer: {Submit, Read, Retry, Review, TypesRead, StatusRead},
	Reader:   {Read, TypesRead, StatusRead},
	Station:  {Submit, TypesRead},
}

func (r Role) may(p Permission) bool { return slices.Contains(permissions[r], p) }

// Permissions lists what the role may do.
func (r Role) Permissions() []Permission { return slices.Clone(permissions[r]) }

// Validate gives an Invalid error unless r is one of Roles.
func (r Role) Validate() error {
	if slices.Contains(Roles, r) {
		return nil
	}
	return doc.Errorf(doc.Invalid, "role %q: use admin, operator, reviewer, reader or station", string(r))
}
