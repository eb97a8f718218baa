import type { World } from '../../../src/core/check/world.ts'
import { type FormatExample, place } from './example.ts'

/** One line an effect: what it is, on which object, where, and in which direction when it is not up. */
function effects(world: World): readonly string[] {
  return world.migrations.flatMap(({ src, effects: list, file }) => [
    ...list.map(
      ({ kind, what, object, part, line, col, statement }) =>
        `${kind} ${what} ${object}${part ? `.${part}` : ''} ${place({ file: '', line, col })}${statement.direction === 'down' ? ' down' : ''}`,
    ),
    ...(file.transactional ? [] : [`${src.file} runs outside a transaction`]),
  ])
}

export const migrations: readonly FormatExample[] = [
  {
    format: 'migration-code',
    name: 'Rails: operations, blocks, heredocs and directions',
    files: {
      'db/migrate/20260101120000_change_people.rb': `class ChangePeople < ActiveRecord::Migration[7.1]
  disable_ddl_transaction!

  def up
    add_column :people, :mobile, :string
    add_column :people, :region, :string, null: false
    add_column :people, :mode, :string, null: false, default: "post"
    add_index :people, [:region, :mode], algorithm: :concurrently
    add_index :people, :mobile
    create_table :notes do |t|
      t.string :text, null: false
      t.timestamps
    end
    change_table :people do |t|
      t.remove :fax, :pager
      t.rename :town, :city
    end
    change_column_null :people, :mobile, false
    add_foreign_key :notes, :people
    execute <<~SQL
      ALTER TABLE people DROP COLUMN telex
    SQL
    People.update_all(mode: "post")
    safety_assured { rename_table :claims, :applications }
  end

  def down
    remove_column :people, :mobile # only on the way back
  end
end
`,
    },
    read: effects,
    gives: [
      'expand-safe add-column people.mobile :5:5',
      'destructive add-required-column people.region :6:5',
      'expand-safe add-column people.mode :7:5',
      'expand-safe create-index people.index_on_people :8:5',
      'locks create-index people.index_on_people :9:5',
      'expand-safe create-table notes :10:5',
      'destructive drop-column people.fax :15:7',
      'destructive drop-column people.pager :15:7',
      'destructive rename-column people.town :16:7',
      'destructive set-not-null people.mobile :18:5',
      'expand-safe add-foreign-key notes.fk_people_id :19:5',
      'destructive drop-column people.telex :20:5',
      'cannot-tell unknown  :23:5',
      'destructive rename-table claims :24:22',
      'destructive drop-column people.mobile :28:5 down',
      'db/migrate/20260101120000_change_people.rb runs outside a transaction',
    ],
  },
  {
    format: 'migration-code',
    name: 'Alembic: columns, batches, options and plain SQL',
    files: {
      'alembic/versions/ab12_people.py': `"""Contract phase of the fax."""
from alembic import op
import sqlalchemy as sa

def upgrade():
    op.add_column("people", sa.Column("region", sa.String(), nullable=False))
    op.add_column("people", sa.Column("mode", sa.String(20), nullable=False, server_default="post"))
    op.alter_column("people", "town", new_column_name="city", existing_type=sa.String())
    op.create_index("ix_region", "people", ["region"], postgresql_concurrently=True)
    with op.batch_alter_table("claims") as batch:
        batch.drop_column("fax")
        batch.create_foreign_key("fk_person", "people", ["person_id"], ["id"])
    op.execute(sa.text("UPDATE people SET mode = 'post'"))
    op.do_something("x")

def downgrade():
    op.drop_column("people", "region")
`,
    },
    read: effects,
    gives: [
      'destructive add-required-column people.region :6:5',
      'expand-safe add-column people.mode :7:5',
      'destructive rename-column people.town :8:5',
      'expand-safe create-index people.ix_region :9:5',
      'destructive drop-column claims.fax :11:9',
      'locks add-foreign-key claims.fk_person :12:9',
      'locks update-all people.mode :13:5',
      'cannot-tell unknown  :14:5',
      'destructive drop-column people.region :17:5 down',
    ],
  },
  {
    format: 'migration-code',
    name: 'Django: a field with a default is required for the running release, because Django drops the default',
    files: {
      'claims/migrations/0042_change.py': `from django.db import migrations, models

class Migration(migrations.Migration):
    atomic = False
    dependencies = [("claims", "0041_before")]
    operations = [
        migrations.AddField(
            model_name="person",
            name="region",
            field=models.CharField(max_length=10, default="north"),
        ),
        migrations.AddField("person", "mobile", models.CharField(max_length=20, null=True)),
        migrations.RemoveField(model_name="person", name="fax"),
        migrations.RenameModel("Claim", "Application"),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField("person", "pager")],
            database_operations=[],
        ),
        migrations.RunSQL("ALTER TABLE claims_person ADD COLUMN x text", reverse_sql="ALTER TABLE claims_person DROP COLUMN x"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.CreateModel(name="Note", fields=[("id", models.BigAutoField(primary_key=True))]),
    ]
`,
    },
    read: effects,
    gives: [
      'destructive add-required-column claims_person.region :7:9',
      'expand-safe add-column claims_person.mobile :12:9',
      'destructive drop-column claims_person.fax :13:9',
      'destructive rename-table claims_claim :14:9',
      'expand-safe add-column claims_person.x :19:9',
      'cannot-tell unknown  :20:9',
      'expand-safe create-table claims_note :21:9',
      'destructive drop-column claims_person.x :19:9 down',
      'claims/migrations/0042_change.py runs outside a transaction',
    ],
  },
  {
    format: 'migration-code',
    name: 'Knex and Sequelize: builders, chains, raw SQL and directions',
    files: {
      'migrations/20260101120000_people.js': `exports.config = { transaction: false }
exports.up = async function (knex) {
  await knex.schema.alterTable('people', (t) => {
    t.string('region').notNullable()
    t.string('mode').notNullable().defaultTo('post')
    t.dropColumn('fax') // gone
    t.renameColumn('town', 'city')
    t.bigInteger('size').alter()
  })
  await knex.schema.createTable('notes', (t) => {
    t.increments('id')
    t.string('text').notNullable()
  })
  await knex.raw('CREATE INDEX CONCURRENTLY ix ON people (region)')
  await knex.schema.dropTableIfExists('claims')
}
exports.down = async (knex) => {
  await knex.schema.alterTable('people', (t) => t.dropColumn('region'))
}
`,
      'migrations/20260102120000-claims.ts': `module.exports = {
  up: async (queryInterface, Sequelize) => {
    await queryInterface.addColumn('claims', 'region', { type: Sequelize.STRING, allowNull: false })
    await queryInterface.removeColumn('claims', 'fax')
  },
  down: async (queryInterface) => {
    await queryInterface.addColumn('claims', 'fax', { type: 'text' })
  },
}
`,
    },
    read: effects,
    gives: [
      'destructive add-required-column people.region :4:5',
      'expand-safe add-column people.mode :5:5',
      'destructive drop-column people.fax :6:5',
      'destructive rename-column people.town :7:5',
      'locks change-type people.size :8:5',
      'expand-safe create-table notes :10:9',
      'expand-safe create-index people.ix :14:9',
      'destructive drop-table claims :15:9',
      'destructive drop-column people.region :18:49 down',
      'migrations/20260101120000_people.js runs outside a transaction',
      'destructive add-required-column claims.region :3:11',
      'destructive drop-column claims.fax :4:11',
      'expand-safe add-column claims.fax :7:11 down',
      'migrations/20260102120000-claims.ts runs outside a transaction',
    ],
  },
  {
    format: 'liquibase',
    name: 'changelogs in XML and YAML; rollbacks and other databases are left out',
    files: {
      'db/changelog/people.xml': `<?xml version="1.0"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">
  <changeSet id="1" author="a">
    <addColumn tableName="people">
      <column name="region" type="varchar(10)"><constraints nullable="false"/></column>
      <column name="mode" type="varchar(10)" defaultValue="post"><constraints nullable="false"/></column>
    </addColumn>
    <rollback><dropColumn tableName="people" columnName="region"/></rollback>
  </changeSet>
  <changeSet id="2" author="a" dbms="oracle"><dropTable tableName="people"/></changeSet>
  <changeSet id="3" author="a" runInTransaction="false">
    <renameColumn tableName="people" oldColumnName="town" newColumnName="city"/>
    <sql>CREATE INDEX CONCURRENTLY ix ON people (region)</sql>
    <sqlFile path="more.sql"/>
  </changeSet>
</databaseChangeLog>
`,
      'db/changelog/claims.yaml': `databaseChangeLog:
  - changeSet:
      id: 4
      author: a
      changes:
        - dropColumn:
            tableName: claims
            columnName: fax
        - createTable:
            tableName: notes
`,
    },
    read: effects,
    gives: [
      'destructive add-required-column people.region :4:5',
      'expand-safe add-column people.mode :4:5',
      'destructive rename-column people.town :12:5',
      'expand-safe create-index people.ix :13:5',
      'cannot-tell unknown  :14:5',
      'db/changelog/people.xml runs outside a transaction',
      'destructive drop-column claims.fax :6:11',
      'expand-safe create-table notes :9:11',
    ],
  },
]
