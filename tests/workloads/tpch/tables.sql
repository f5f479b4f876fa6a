-- {data} has a folder of Parquet files a table.
CREATE TABLE region AS FROM read_parquet('{data}/region/*.parquet');
CREATE TABLE nation AS FROM read_parquet('{data}/nation/*.parquet');
CREATE TABLE supplier AS FROM read_parquet('{data}/supplier/*.parquet');
CREATE TABLE customer AS FROM read_parquet('{data}/customer/*.parquet');
CREATE TABLE part AS FROM read_parquet('{data}/part/*.parquet');
CREATE TABLE partsupp AS FROM read_parquet('{data}/partsupp/*.parquet');
CREATE TABLE orders AS FROM read_parquet('{data}/orders/*.parquet');
CREATE TABLE lineitem AS FROM read_parquet('{data}/lineitem/*.parquet');
