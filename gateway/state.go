package gateway

import (
	"net/http"
	"sync/atomic"
)

type state struct{ current atomic.Pointer[snapshot] }

// ServeHTTP answers one call.
func (n *Node) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
