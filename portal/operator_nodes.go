package portal

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"lgsp/catalog"
	"lgsp/gateway"
)

func (p *Portal) nodeRoutes(r *mux.Router) {
	r.Handle("/operator/nodes", p.page(p.nodes)).Methods("GET", "HEAD")
	r.Handle("/operator/topology", p.page(p.topology)).Methods("GET", "HEAD")
}

// nodesData is the data of the page "operator-nodes".
type nodesData struct {
	At       time.Time
	Nodes    []nodeRow
	Newest   int64 // the last change that some node has in force
	Versions []versionStanding
	Total    int    // versions served
	Trouble  int    // of them, with an address that gets no calls
	Next     string // address of the next page, "" at the end
}

// nodeRow is a node, and what is wrong with it.
type nodeRow struct {
	gateway.NodeState
	Silent bool
	Behind int64 // changes that it has not in force and another node has
	Share  int64 // of the journal's room that is used, in percent
}

// versionStanding is how the addresses of a version do, as each node finds.
type versionStanding struct {
	Version   uuid.UUID
	Prefix    string
	Name      catalog.ServiceName // zero of one that was deleted
	DownSince *time.Time          // null: it is not down everywhere
	Trouble   bool
	Addresses []addressStanding
}

type addressStanding struct {
	Node string
	gateway.AddressState
}

// nodesPage is how many versions a page of the upstreams lists.
const nodesPage = 50

// nodes answers GET /operator/nodes: how each node stands, and what each finds
// of the addresses behind the versions; those in trouble first.
func (p *Portal) nodes(r *http.Request) (page, error) {
	who, err := signedIn(r)
	if err != nil {
		return page{}, err
	}
	list, err := p.Nodes.List(r.Context(), who)
	if err != nil {
		return page{}, err
	}
	data := nodesData{At: p.Now().UTC()}
	data.read(list)
	from, err := strconv.Atoi(r.FormValue("from"))
	if err != nil || from < 0 || from > data.Total {
		from = 0
	}
	data.Versions = data.Versions[from:]
	if len(data.Versions) > nodesPage {
		data.Versions, data.Next = data.Versions[:nodesPage], "/operator/nodes?from="+strconv.Itoa(from+nodesPage)
	}
	ids := make([]uuid.UUID, len(data.Versions))
	for i, v := range data.Versions {
		ids[i] = v.Version
	}
	names, err := p.Catalog.ServiceNames(r.Context(), ids)
	if err != nil {
		return page{}, err
	}
	for i, id := range ids {
		data.Versions[i].Name = names[id]
	}
	outages, err := p.Nodes.Outages(r.Context(), ids, data.At.Add(-time.Hour))
	if err != nil {
		return page{}, err
	}
	for _, o := range outages {
		if i := slices.Index(ids, o.VersionID); o.IsDown(data.At) {
			data.Versions[i].DownSince = &o.Began
		}
	}
	return page{Name: "operator-nodes", Data: data}, nil
}

// read takes what the nodes told apart: nodes, and versions with what each node
// that is not silent finds of them.
func (d *nodesData) read(list []gateway.NodeState) {
	for _, n := range list {
		d.Newest = max(d.Newest, n.Config)
	}
	at := map[uuid.UUID]int{}
	for _, n := range list {
		row := nodeRow{NodeState: n, Silent: d.At.Sub(n.At) > gateway.SilentAfter}
		if n.Limit > 0 {
			row.Share = 100 * n.Journal / n.Limit
		}
		if n.Ready && !row.Silent {
			row.Behind = d.Newest - n.Config
		}
		d.Nodes = append(d.Nodes, row)
		if row.Silent {
			continue
		}
		for _, v := range n.Versions {
			i, known := at[v.Version]
			if !known {
				i = len(d.Versions)
				at[v.Version] = i
				d.Versions = append(d.Versions, versionStanding{Version: v.Version, Prefix: v.Prefix})
			}
			d.Versions[i].Trouble = d.Versions[i].Trouble || v.Trouble()
			for _, a := range v.Addresses {
				d.Versions[i].Addresses = append(d.Versions[i].Addresses, addressStanding{n.Node, a})
			}
		}
	}
	d.Total = len(d.Versions)
	for _, v := range d.Versions {
		if v.Trouble {
			d.Trouble++
		}
	}
	slices.SortStableFunc(d.Versions, func(a, b versionStanding) int {
		if a.Trouble != b.Trouble {
			if a.Trouble {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Prefix, b.Prefix)
	})
}
