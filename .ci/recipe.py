"""Render the conda recipe, as rattler-build does before it builds."""

from pathlib import Path

from rattler_build import Stage0Recipe

RECIPE = Path(__file__).parents[1] / "recipe" / "recipe.yaml"

(variant,) = Stage0Recipe.from_file(str(RECIPE)).render()
recipe = variant.recipe
print(f"{recipe.package.name} {recipe.package.version}")
