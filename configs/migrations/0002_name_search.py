"""Search by substring of names and external ids, where PostgreSQL has trigrams."""

from django.db import migrations

from bootstrap_project.database.trigram import TrigramIndex


class Migration(migrations.Migration):
    """Creates the two indexes."""

    dependencies = [("configs", "0001_initial")]

    operations = [
        TrigramIndex(app_label="configs", model="Config", column="name", name="configs_config_name_trigram"),
        TrigramIndex(
            app_label="configs", model="Config", column="external_id", name="configs_config_external_id_trigram"
        ),
    ]
