//! A row as the journal has it: columns with values, as JSON.
//!
//! Texts, numbers and truth values are themselves, bytes are hexadecimal digits.

use sea_orm::sea_query::ColumnType;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait, IdenStatic as _, Iterable as _,
    ModelTrait as _, Value,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use strongroom_base::ids::{from_hex, to_hex};

use crate::DbError;
use crate::row::Row;

/// The columns of a row.
pub type JournalRow = Map<String, Json>;

/// A row as it is now, or that it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// Its table.
    pub table: String,
    /// The values of its key, as a JSON array.
    pub key: String,
    /// Absent if it is gone.
    pub row: Option<JournalRow>,
}

/// The key of a note, written as we write keys; `None` if it is no array.
pub(super) fn canonical(key: &str) -> Option<String> {
    let values: Vec<Json> = serde_json::from_str(key).ok()?;
    Some(written(values))
}

/// A key of these values.
pub(super) fn written(values: Vec<Json>) -> String {
    Json::Array(values).to_string()
}

/// The columns of a table's key.
pub(super) fn key_columns<E: EntityTrait>() -> impl Iterator<Item = E::Column> {
    E::PrimaryKey::iter().map(sea_orm::PrimaryKeyToColumn::into_column)
}

/// What a row says.
pub(super) fn row_of<E: EntityTrait>(
    table: &'static str,
    model: &E::Model,
) -> Result<(String, JournalRow), DbError> {
    let value = |column: E::Column| {
        let wrong = Row { table, id: "" }.wrong("a column's type");
        to_json(model.get(column)).ok_or(wrong)
    };
    let key = key_columns::<E>().map(value).collect::<Result<Vec<_>, _>>()?;
    let columns = E::Column::iter().map(|column| Ok((column.as_str().to_owned(), value(column)?)));
    Ok((written(key), columns.collect::<Result<_, DbError>>()?))
}

/// The row that says this.
pub(super) fn model_of<E: EntityTrait>(
    at: Row<'_>,
    row: &JournalRow,
) -> Result<E::ActiveModel, DbError> {
    let mut model = <E::ActiveModel as sea_orm::ActiveModelTrait>::default();
    for column in E::Column::iter() {
        let json = row.get(column.as_str()).unwrap_or(&Json::Null);
        let value = from_json(column.def().get_column_type(), json);
        let value = value.ok_or(at.wrong(column.as_str()))?;
        model.try_set(column, value).map_err(|_| at.wrong(column.as_str()))?;
    }
    Ok(model)
}

/// The values of a key in the order of its columns.
pub(super) fn key_values<E: EntityTrait>(at: Row<'_>) -> Result<Vec<(E::Column, Value)>, DbError> {
    let values: Vec<Json> = at.json("key", at.id)?;
    let mut columns = key_columns::<E>().zip(values);
    let value = |(column, json): (E::Column, Json)| {
        let value = from_json(column.def().get_column_type(), &json);
        value.map(|value| (column, value)).ok_or(at.wrong(column.as_str()))
    };
    columns.by_ref().map(value).collect()
}

fn to_json(value: Value) -> Option<Json> {
    Some(match value {
        Value::Bool(value) => Json::from(value),
        Value::Int(value) => Json::from(value),
        Value::BigInt(value) => Json::from(value),
        Value::String(value) => Json::from(value),
        Value::Bytes(value) => Json::from(value.map(|bytes| to_hex(&bytes))),
        _ => return None,
    })
}

fn from_json(column: &ColumnType, json: &Json) -> Option<Value> {
    let is_null = json.is_null();
    Some(match column {
        ColumnType::Boolean => Value::Bool(read(is_null, || json.as_bool())?),
        ColumnType::Integer => {
            Value::Int(read(is_null, || json.as_i64().and_then(|value| value.try_into().ok()))?)
        }
        ColumnType::BigInteger => Value::BigInt(read(is_null, || json.as_i64())?),
        ColumnType::String(_) | ColumnType::Text => {
            Value::String(read(is_null, || json.as_str().map(ToOwned::to_owned))?)
        }
        ColumnType::Blob | ColumnType::Binary(_) | ColumnType::VarBinary(_) => {
            Value::Bytes(read(is_null, || json.as_str().and_then(bytes))?)
        }
        _ => return None,
    })
}

/// Null is nothing; what is there must be readable.
#[expect(clippy::option_option, reason = "a null that is right, and a value that is wrong")]
fn read<T>(is_null: bool, value: impl FnOnce() -> Option<T>) -> Option<Option<T>> {
    if is_null { Some(None) } else { value().map(Some) }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let [byte] = from_hex::<1>(std::str::from_utf8(pair).ok()?)?;
        Some(byte)
    };
    hex.as_bytes().chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_they_were_written() {
        assert_eq!(bytes(&to_hex(&[0, 0xab, 0xff])), Some(vec![0, 0xab, 0xff]));
        assert_eq!(bytes(""), Some(Vec::new()));
        assert_eq!(bytes("abc"), None);
        assert_eq!(bytes("xy"), None);
    }

    #[test]
    fn keys_of_both_databases_are_written_alike() {
        assert_eq!(canonical("[\"a\", \"b\"]").as_deref(), Some("[\"a\",\"b\"]"));
        assert_eq!(canonical("[7]").as_deref(), Some("[7]"));
        assert_eq!(canonical("7"), None);
    }
}
