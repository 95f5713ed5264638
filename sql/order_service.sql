-- The statements of the README's section about transactions in SQL, word for
-- word: items and ordinary tables, a foreign key and a trigger between them.
\set VERBOSITY terse

SELECT dynamo.create_table('stock', 'sku S');
SELECT dynamo.create_table('orders', 'customer S', 'id N');
SELECT dynamo.put_item('stock', '{"sku": "pen", "available": 10}');
SELECT dynamo.put_item('stock', '{"sku": "ink", "available": 2}');

CREATE TABLE invoices (
    id int PRIMARY KEY,
    customer text NOT NULL,
    order_id numeric NOT NULL,
    amount numeric NOT NULL,
    paid boolean NOT NULL DEFAULT false,
    FOREIGN KEY (customer, order_id) REFERENCES dynamo_tables.orders (pk, sk)
);

CREATE FUNCTION reserve_stock() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line jsonb;
BEGIN
    FOR line IN SELECT l FROM jsonb_array_elements(dynamo.item_to_json(NEW.item)->'lines') l ORDER BY l->'sku'
    LOOP
        PERFORM dynamo.update_item('stock', jsonb_build_object('sku', line->'sku'),
                                   'SET available = available - :n', jsonb_build_object(':n', line->'n'),
                                   condition => 'available >= :n');
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER reserve_stock AFTER INSERT ON dynamo_tables.orders
    FOR EACH ROW EXECUTE FUNCTION reserve_stock();

BEGIN;
SELECT dynamo.put_item('orders', '{"customer": "ann", "id": 1, "lines": [{"sku": "pen", "n": 3}, {"sku": "ink", "n": 1}]}');
INSERT INTO invoices VALUES (1, 'ann', 1, 11.50);
COMMIT;

BEGIN;
INSERT INTO invoices VALUES (2, 'ann', 1, 2.00);
SELECT dynamo.put_item('orders', '{"customer": "bob", "id": 2, "lines": [{"sku": "pen", "n": 1}, {"sku": "ink", "n": 5}]}');
COMMIT;

BEGIN;
SELECT dynamo.put_item('orders', '{"customer": "bob", "id": 3, "lines": [{"sku": "pen", "n": 1}]}');
INSERT INTO invoices VALUES (3, 'bob', 33, 1.50);
COMMIT;

BEGIN;
UPDATE invoices SET paid = true WHERE id = 1;
SELECT dynamo.transact_write_items('{"TransactItems": [
    {"Update": {"TableName": "orders", "Key": {"customer": {"S": "ann"}, "id": {"N": "1"}},
                "UpdateExpression": "SET paid = :true", "ConditionExpression": "attribute_not_exists(paid)",
                "ExpressionAttributeValues": {":true": {"BOOL": true}}}},
    {"Put": {"TableName": "orders", "Item": {"customer": {"S": "ann"}, "id": {"N": "4"}, "gift": {"BOOL": true},
                                             "lines": {"L": [{"M": {"sku": {"S": "pen"}, "n": {"N": "1"}}}]}}}}]}');
COMMIT;

SELECT o.item #>> '{customer,S}' AS customer, o.sk AS "order", o.item ? 'paid' AS paid, i.id AS invoice, i.amount, i.paid
FROM dynamo_tables.orders o LEFT JOIN invoices i ON (i.customer, i.order_id) = (o.pk, o.sk)
ORDER BY o.pk, o.sk;

SELECT item->>'sku' AS sku, item->'available' AS available FROM dynamo.scan('stock') AS item ORDER BY sku;

SELECT dynamo.delete_item('orders', '{"customer": "ann", "id": 1}');

DROP TABLE invoices;
SELECT dynamo.delete_table(jsonb_build_object('TableName', name)) #>> '{TableDescription,TableStatus}' AS status
FROM unnest('{orders, stock}'::text[]) AS name;
DROP FUNCTION reserve_stock;
