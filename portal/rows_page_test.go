package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gorilla/mux"
)

func TestProfileOfColumns(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	s.holds(t, "/dataset/thue-bao", 200, "Mỗi cột chứa gì", `<svg class="spark"`, "25.800 – 995.800", "30/7/2019</time> – <time", "Có (2); Không (1)", "Nhiều nhất từ 947.319 – 995.800: 2 dòng")
	s.holds(t, "/en/dataset/thue-bao", 200, "What each column holds", "25,800 – 995,800", "Most from 947,319 – 995,800: 2 rows")
}

func TestFilteredRowsAreCounted(t *testing.T) {
	t.Parallel()
	s, _ := newShelf(t)
	var b strings.Builder
	b.WriteString("ten,gia\n")
	for i := range 45 {
		fmt.Fprintf(&b, "hàng %d,%d\n", i, i%2)
	}
	s.publish(t, "dai", b.String())
	s.holds(t, "/dataset/dai?gia__exact=0", 200, "20 trong 23 dòng khớp với điều kiện lọc")
	s.holds(t, "/en/dataset/dai?gia__exact=1", 200, "20 of the 22 rows that match")
}

func TestTableDescribesItself(t *testing.T) {
	t.Parallel()
	s, d := newShelf(t)
	router := mux.NewRouter()
	(&API{Catalog: s.Catalog, Origin: s.Origin}).Routes(router)
	answer := httptest.NewRecorder()
	router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/datasets/thue-bao/distributions/"+d.Distributions[0].ID.String()+"/rows/openapi.json", nil))
	body := answer.Body.String()
	document, err := openapi3.NewLoader().LoadFromData([]byte(body))
	if err == nil {
		err = document.Validate(t.Context())
	}
	if err != nil || !json.Valid([]byte(body)) || document.Paths.Find("/rows").Get.Parameters.GetByInAndName("query", "so_thue_bao__greater") == nil ||
		document.Servers[0].URL != "http://portal.test/api/v1/datasets/thue-bao/distributions/"+d.Distributions[0].ID.String() {
		t.Errorf("%v:\n%s", err, body)
	}
}
