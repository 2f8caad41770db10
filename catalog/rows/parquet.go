package rows

import (
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
)

// The bounds of a row group, which is held in memory until it is written.
const (
	groupRows  = 64 << 10
	groupBytes = 8 << 20
)

// parquetWriter writes Parquet, for tools that analyse. A decimal becomes a
// double, which is what such tools count with; all else is kept as it is.
type parquetWriter struct {
	out     *parquet.GenericWriter[any]
	columns []Column
	line    parquet.Row
	rows    int // of the row group
	bytes   int // of its text
}

func newParquet(out io.Writer, columns []Column) *parquetWriter {
	fields := make([]reflect.StructField, len(columns))
	for i, c := range columns {
		kind, tag := reflect.TypeFor[*string](), c.Key+",optional"
		switch c.Type {
		case Integer:
			kind = reflect.TypeFor[*int64]()
		case Decimal:
			kind = reflect.TypeFor[*float64]()
		case Boolean:
			kind = reflect.TypeFor[*bool]()
		case Date:
			kind, tag = reflect.TypeFor[*int32](), tag+",date"
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: kind, Tag: reflect.StructTag(`parquet:"` + tag + `"`)}
	}
	schema := parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
	return &parquetWriter{out: parquet.NewGenericWriter[any](out, schema, parquet.Compression(&parquet.Snappy)), columns: columns, line: make(parquet.Row, len(columns))}
}

func (p *parquetWriter) row(row []*string) error {
	for i, v := range row {
		if v == nil {
			p.line[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		value, err := parquetValue(p.columns[i].Type, *v)
		if err != nil {
			return fmt.Errorf("write %q as %s: %w", shorten(*v), p.columns[i].Type, err)
		}
		p.line[i] = value.Level(0, 1, i)
		p.bytes += len(*v)
	}
	if _, err := p.out.WriteRows([]parquet.Row{p.line}); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	if p.rows++; p.rows < groupRows && p.bytes < groupBytes {
		return nil
	}
	p.rows, p.bytes = 0, 0
	if err := p.out.Flush(); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

// parquetValue is a value as PostgreSQL writes its type.
func parquetValue(kind Type, text string) (parquet.Value, error) {
	switch kind {
	case Integer:
		n, err := strconv.ParseInt(text, 10, 64)
		return parquet.Int64Value(n), err
	case Decimal:
		n, err := strconv.ParseFloat(text, 64)
		return parquet.DoubleValue(n), err
	case Boolean:
		return parquet.BooleanValue(text == "true" || text == "t"), nil
	case Date:
		d, err := time.Parse(time.DateOnly, text)
		return parquet.Int32Value(int32(d.Unix() / (24 * 60 * 60))), err
	}
	return parquet.ByteArrayValue([]byte(text)), nil
}

func (p *parquetWriter) end() error {
	if err := p.out.Close(); err != nil {
		return fmt.Errorf("end parquet: %w", err)
	}
	return nil
}
