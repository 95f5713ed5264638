SELECT * FROM dynamo.scan('bench', :filter, :values::jsonb);
